"""Everything of one cardholder removed on request, store by store."""
