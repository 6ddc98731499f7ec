"""Training on the user's samples: fine-tuning, saliency, and what both need."""
