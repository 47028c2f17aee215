"""The rules, one per file. `RULE` is the rule; its id is the name of its page in docs/advice and of its proof."""
