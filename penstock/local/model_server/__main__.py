"""The program: ``python -m penstock.local.model_server``; ``--help`` says the rest."""

from penstock.local.model_server.program import main

if __name__ == "__main__":
    main()
