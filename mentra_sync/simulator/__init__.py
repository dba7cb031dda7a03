"""A MentraOS cloud, and glasses, on your own machine."""
