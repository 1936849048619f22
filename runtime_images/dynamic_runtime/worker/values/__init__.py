"""What a plain handler gets and gives: payloads decoded, results encoded, streams of parts."""
