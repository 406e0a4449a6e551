"""The only code, besides the deployables' pipelines and operators, that knows PyFlink."""
