"""Jobs: work that was accepted once and is accounted for until it is done."""
