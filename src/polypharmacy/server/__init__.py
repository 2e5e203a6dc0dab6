"""The app: OpenEnv's routes, stored reviews and suggestions over HTTP. Needs `polypharmacy-env[server]`."""
