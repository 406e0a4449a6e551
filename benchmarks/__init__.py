"""How fast Penstock is, beside reference programs that do the same work in the same run. Not part of the wheel."""
