package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dswatch/sinks/snmp"
)

func mibCommand() *cobra.Command {
	var enterprise string
	c := &cobra.Command{
		Use: "mib", Short: "Print DSWATCH-MIB, for the NMS", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := snmp.MIB(enterprise)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Print(text)
			return err
		},
	}
	c.Flags().StringVar(&enterprise, "enterprise", snmp.DefaultEnterprise, "root `OID` below which the MIB is registered, as in the sink's key enterprise")
	return c
}
