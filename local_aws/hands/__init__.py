"""The hands: `/_local/*`, with which tests and people look at local_aws and make real things go wrong."""
