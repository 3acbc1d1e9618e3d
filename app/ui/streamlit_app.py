"""Entry point: `streamlit run app/ui/streamlit_app.py`."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

# An icon of our own: a Material icon would be fetched from the internet for the browser's tab.
st.set_page_config(page_title="Gavelbook", page_icon=str(HERE / "icon.png"), layout="wide")
page = st.navigation(
    [
        st.Page("app_pages/sale.py", title="Sale", url_path="sale", default=True),
        st.Page("app_pages/results.py", title="Results", url_path="results"),
        st.Page("app_pages/market.py", title="Market", url_path="market"),
    ],
    position="top",
)
st.logo(str(HERE / "icon.png"), size="large")
page.run()
