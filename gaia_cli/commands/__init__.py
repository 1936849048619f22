"""What each verb does. A command returns its exit code, and raises GaiaError for whatever the user has to fix."""
