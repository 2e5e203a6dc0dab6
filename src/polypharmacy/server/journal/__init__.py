"""Reviews that survive a crash: what was reviewed and every action, in a database that is only appended to."""
