from tests.chain.conftest import anvil_url, shared_stage, stage

__all__ = ["anvil_url", "shared_stage", "stage"]
