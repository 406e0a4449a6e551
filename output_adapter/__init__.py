"""The output adapter: results in, records on users' topics out."""
