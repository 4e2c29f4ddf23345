"""What runs on the task's side of the namespaces runtime: the supervisor process, and what its children do before they become containers.

Only light modules of the standard library and of this package are imported here: one such process starts with every task.
"""
