"""What every page has around it: `gavelbook pages` runs this script for each visitor."""

from pathlib import Path

import streamlit as st

from ui.components.announcer import announcer
from ui.identity import identity_bar

HERE = Path(__file__).parent
PAGES = {
    "start": "Start",
    "sale": "Sale",
    "results": "Results",
    "market": "Market",
    "portfolio": "Portfolio",
    "operator": "Operator",
    "account": "Account",
}

# An icon of our own: a Material icon would be fetched from the internet for the browser's tab.
st.set_page_config(page_title="Gavelbook", page_icon=str(HERE / "icon.png"), layout="wide")
pages = {
    name: st.Page(f"app_pages/{name}.py", title=title, url_path=name, default=name == "start")
    for name, title in PAGES.items()
    if (HERE / "app_pages" / f"{name}.py").exists()
}
page = st.navigation(list(pages.values()), position="top")
st.logo(str(HERE / "icon.png"), size="large")
st.html(HERE / "look.css")
announcer()
identity_bar(pages.get("account"))
page.run()
