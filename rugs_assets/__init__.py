"""RL training data from rugs.fun captures, as a Dagster asset graph.

    raw_ws_events -> episodes -> observations -> aligned_samples -> training_shards

``domain`` says what the data means (pure), ``lake`` keeps it (Delta tables, releases, the training
loader), ``orchestration`` runs it (Dagster). Each imports only what stands before it.
"""
