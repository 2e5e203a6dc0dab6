"""The review of a medication list as a sequential decision under budgets."""
