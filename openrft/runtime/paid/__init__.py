"""Calls to servers that cost money: replies that are kept, prices, and a budget. Changes no result."""
