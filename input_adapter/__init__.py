"""The input adapter: users' events in, requests to models out."""
