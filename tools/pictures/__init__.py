"""Pictures of the documents, drawn from the design: from netlists, imports and signatures."""
