-- What was paid, by the provider's reference: each leads to one dossier. The second constraint is a rule, so its name is not a
-- row's key; the first lets a dossier be written again.
CREATE TABLE payment (
    provider text NOT NULL,
    reference text NOT NULL,
    dossier text NOT NULL,
    PRIMARY KEY (provider, reference, dossier),
    CONSTRAINT payment_once UNIQUE (provider, reference)
);
