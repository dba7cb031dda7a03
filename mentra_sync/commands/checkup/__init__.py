"""What ``mentra-sync doctor`` looks at: each check is a function that returns findings."""
