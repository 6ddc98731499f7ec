"""Random jobs for the compute core: any legal command on memories full of random words."""
