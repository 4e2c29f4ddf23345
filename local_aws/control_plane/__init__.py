"""The control plane: moto answers the AWS APIs in process; the rooms of local_aws answer in its place where they know better."""
