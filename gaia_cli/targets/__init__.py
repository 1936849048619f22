"""The clusters that a function may be deployed to; `failures` and what stands here know no word of Knative's."""
