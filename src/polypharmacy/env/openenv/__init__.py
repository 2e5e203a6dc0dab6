"""The environment for OpenEnv. Needs `polypharmacy-env[server]`."""
