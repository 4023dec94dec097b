"""What flows through the pipeline, as frozen values: upload → file → listing → document → outcome."""
