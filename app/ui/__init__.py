"""The front end: Streamlit pages over `gavelbook.service`."""
