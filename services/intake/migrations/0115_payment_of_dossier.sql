-- What a corrected payment led to is taken away by its dossier.
CREATE INDEX payment_by_dossier ON payment (dossier);
