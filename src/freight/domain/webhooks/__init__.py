"""Webhooks: subscriptions, deliveries, and their sender."""
