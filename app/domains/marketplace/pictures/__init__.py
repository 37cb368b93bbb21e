"""Pictures of models: taken as they are sent, and made into thumbnails by a job."""
