-- Whose the content of a document is. What lies in the store of documents and has no row is nobody's, and swept away.
CREATE TABLE document (
    -- A UUID of version 7, used once.
    object text PRIMARY KEY,
    dossier text NOT NULL
);
CREATE INDEX document_dossier ON document (dossier);
