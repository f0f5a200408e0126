#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A large policy: 1,000 sources, 50 providers, 10,000 prefixes, nested ones among them, both families.

    policy.py --directory DIR     the configuration; ledger and control socket in DIR
              --catalogue FILE    with the providers of that catalogue besides (default: none)
    policy.py --addresses IF      lines for `ip -batch -` that give the interface the sources' addresses
"""

import argparse

SOURCES, PROVIDERS, PREFIXES = 1000, 50, 10000


def address(number):
    return f"192.18.{number // 250}.{number % 250 + 1}", f"2001:db8:f000::{number + 1:x}"


def prefix(number):
    """Every fifth is IPv6; every tenth lies inside its neighbour."""
    if number % 5 == 4:
        return f"2001:db9:{number:x}::/48"
    if number % 10 == 1:
        return f"60.{(number - 1) // 250}.{(number - 1) % 250}.64/26"
    return f"60.{number // 250}.{number % 250}.0/24"


def configuration(directory, catalogue):
    yield f'catalogue = "{catalogue}";\nledger = "{directory}/ledger.db";\ncontrol = "{directory}/control.sock";\nsources: {{'
    for number in range(SOURCES):
        yield '    m%d: { address = "%s"; address6 = "%s"; };' % (number, *address(number))
    yield "};\npools: { main: { members: {"
    yield " ".join(f"m{number} = {number % 9 + 1};" for number in range(SOURCES))
    yield "}; }; };\nproviders: {"
    for provider in range(PROVIDERS):
        mine = ", ".join(f'"{prefix(number)}"' for number in range(provider, PREFIXES, PROVIDERS))
        yield f"    p{provider}: {{ prefixes = [ {mine} ]; }};"
    yield '};\nroutes = ( { pool = "main"; } );'


def main():
    parser = argparse.ArgumentParser(description="a large policy")
    parser.add_argument("--directory", default="/var/lib/mxload")
    parser.add_argument("--catalogue", metavar="FILE", default="")
    parser.add_argument("--addresses", metavar="IF")
    options = parser.parse_args()
    if options.addresses:
        for number in range(SOURCES):
            v4, v6 = address(number)
            print(f"address add {v4}/32 dev {options.addresses}")
            print(f"address add {v6}/128 dev {options.addresses} nodad")
    else:
        print("\n".join(configuration(options.directory, options.catalogue)))


main()
