// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IExchange} from "./interfaces/IExchange.sol";

/// @title The terms of one market, as code
/// @notice The code of this contract is no program but the ABI encoding of the {Market} that its deployer, an exchange,
/// has listed last: six words, of which the first begins with a zero, which stops whoever calls it. Nothing can change
/// code, and reading it costs less than three words of storage.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill Nobody can change or remove it.
contract MarketTerms {
    constructor() {
        IExchange exchange = IExchange(msg.sender);
        bytes memory terms = abi.encode(exchange.market(exchange.marketCount()));
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            return(add(terms, 0x20), mload(terms))
        }
    }
}
