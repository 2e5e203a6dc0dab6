"""Training policies. Needs `polypharmacy-env[train]`."""
