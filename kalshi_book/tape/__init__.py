"""Recordings of frames: read, replayed, digested."""
