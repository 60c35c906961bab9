package main

func (r *backtestReport) writePage(path string) error { return nil }
