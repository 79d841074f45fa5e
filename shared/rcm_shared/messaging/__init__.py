"""Events in and out with exactly-once effects: consumer, inbox, outbox, relay, dead letters, timers' work."""
