"""One module per noun of the contract. A route translates; it does not decide."""
