"""The shell of effconn: files, results on disk, pictures, reports and the command line."""
