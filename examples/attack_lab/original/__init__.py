"""BROKEN ON PURPOSE: never use any of this. A model of the original design, for the attack lab to attack.

It was written from a description of what the original did, not from its code. ``cipher`` has the keys and the
ciphers, ``ttp`` the certificates, ``sides`` the bank and the customer.
"""
