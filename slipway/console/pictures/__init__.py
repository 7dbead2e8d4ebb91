"""Pictures of monitoring and releases: values in, Vega-Lite specifications and tables out. Nothing here calls AWS."""
