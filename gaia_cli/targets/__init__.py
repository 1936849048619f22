"""The clusters that a function may be deployed to; of what stands here only `failures` knows words of Knative's."""
