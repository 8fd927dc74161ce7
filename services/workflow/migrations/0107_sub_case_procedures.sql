-- Branches of one procedure, in the order of their list: for all, for a tenant, and for a tenant among an agency's. In a bundle the
-- branches of the other procedures lie between them, and a rare one would be looked for among all.
CREATE INDEX sub_case_procedure ON sub_case (procedure, standing, due_at, dossier, number) WHERE tenant = agency;
CREATE INDEX sub_case_tenant_procedure ON sub_case (tenant, procedure, standing, due_at, dossier, number);
CREATE INDEX sub_case_agency_procedure ON sub_case (tenant, agency, procedure, standing, due_at, dossier, number);
