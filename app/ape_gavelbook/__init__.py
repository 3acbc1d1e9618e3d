"""The ape plugin of Gavelbook: it puts the pinned solc and anvil where ape looks for them.

ape imports every installed distribution whose name begins with ``ape-`` before it does anything
else, so the console, ``ape test``, pytest and a plain ``import ape`` all pass through here.
"""

from ape_gavelbook.paths import activate

activate()
