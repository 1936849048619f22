"""The workers' lives as the runtime sees them: started, watched, replaced, ended."""
