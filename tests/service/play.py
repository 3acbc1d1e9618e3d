"""Books to bid, and the allocator and keeper of a stage's sale."""

from gavelbook.chain.audit import audit
from gavelbook.chain.audit_facts import collect_facts
from gavelbook.chain.sale_events import EventKind
from gavelbook.chain.sender import Sender
from gavelbook.service.allocator import AllocatorService, AllocatorSettings
from gavelbook.service.keeper import Keeper
from gavelbook.service.patience import Patience

BRIEF = Patience(outage_seconds=5, first_pause=0.01, longest_pause=0.05)


def random_book(numbers, count, cap_lots, *, bidders=6, ticks=8):
    """Return commands for `Stage.place`: ``count`` bids and cancels within the cap."""
    commands = []
    live = {bidder: {} for bidder in range(bidders)}
    while len(commands) < count:
        bidder = numbers.randrange(bidders)
        own = live[bidder]
        lots = numbers.randint(1, 9)
        room = sum(own.values()) + lots <= cap_lots and len(own) < 20
        if own and (not room or numbers.random() < 1 / 6):
            index = numbers.choice(sorted(own))
            del own[index]
            commands.append((bidder, index))
        elif room:
            own[min(set(range(24)) - own.keys())] = lots
            commands.append((bidder, numbers.randrange(ticks), lots))
    return commands


def allocator(stage, sale, folder, account=None, *, sender=None, reader=None, **settings):
    """Return the allocator's service for ``sale``."""
    return AllocatorService(
        sale,
        sender or Sender(stage.web3, account or stage.allocator),
        reader or stage.reader(sale),
        AllocatorSettings(
            **{
                "allocation_path": folder / "allocation.csv",
                "poll_seconds": 0.01,
                "patience": BRIEF,
                **settings,
            }
        ),
    )


def keeper(stage, sale, **options):
    """Return a keeper for ``sale``."""
    return Keeper(sale, stage.sender(stage.keeper), stage.reader(sale), patience=BRIEF, **options)


def audited(stage, sale, allocation_file=None):
    """Return the audit of ``sale`` as it stands."""
    return audit(collect_facts(stage.web3, sale.address, stage.first_block), allocation_file)


def decisions(stage, sale):
    """Return the events that decide ``sale``."""
    reader = stage.reader(sale)
    reader.sync()
    return reader.events(EventKind.CLEARED) + reader.events(EventKind.FAILED)


def transactions_of(web3, account, first_block):
    """Return the receipts of all transactions of ``account`` from ``first_block`` on."""
    hashes = [
        transaction["hash"]
        for number in range(first_block, web3.eth.block_number + 1)
        for transaction in web3.eth.get_block(number, full_transactions=True)["transactions"]
        if transaction["from"] == account.address
    ]
    return [web3.eth.get_transaction_receipt(transaction) for transaction in hashes]
