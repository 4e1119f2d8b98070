"""Worker processes of one model: started, handed requests, watched, replaced."""
