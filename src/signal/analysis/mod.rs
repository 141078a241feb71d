//! Pure rules over signals: thresholds that hold, baselines.
