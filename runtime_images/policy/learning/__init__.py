"""What observations teach: pure updates of the policy's memory."""
