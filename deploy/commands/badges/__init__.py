"""`practice badges`: what there is to earn, and who would earn a new one."""
